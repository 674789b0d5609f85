"""What reading out an experiment costs: sums, effects with CUPED, sample ratio and Holm, beside two peers in one run.

The peers are the bare sums per account of the same columns (nothing can be cheaper) and least squares of the contacts
with account-robust errors, one metric after another. A read-out that costs more than 4 times the sums, is less than 10
times faster than least squares, takes more than 1.5 times the memory of the metrics, or differs from least squares ends
the run with 1; so does a permutation of 10 metrics of 200 accounts above 2 CPU seconds. The first read-out, which
imports libraries, is not counted. 1,000,000 contacts of 20,000 accounts is the size the targets are about.
"""

import argparse
import sys
import time
import tracemalloc
from dataclasses import dataclass

METRICS, DRAWS, FEW = 10, 9_999, 200


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--contacts", type=int, default=1_000_000)
    parser.add_argument("--accounts", type=int, default=20_000)
    args = parser.parse_args()
    book = make(args.contacts, args.accounts)
    small = make(FEW * 20, FEW)
    read_out(make(20_000, 400))  # imports
    least_squares(small, metrics=1)
    sums = min(cpu(bare_sums, book)[0] for _ in range(5))
    report = min(cpu(read_out, book)[0] for _ in range(5))
    peak = peak_of(read_out, book) / sum(column.nbytes for column in book.after)
    plain, expected = cpu(least_squares, book)
    few, _ = cpu(permutations, small)
    wrong = [
        abs(value - other) > 1e-9 or abs(error / other_error - 1) > 0.01
        for (value, error), (other, other_error) in zip(raw_effects(book), expected, strict=True)
    ]
    print(f"{args.contacts:,} contacts, {args.accounts:,} accounts, {METRICS} metrics; CPU seconds")
    print(f"bare sums per account      {sums:7.3f}")
    print(f"read-out with CUPED        {report:7.3f}   {report / sums:.2f} times the sums, at most 4")
    print(f"cluster least squares      {plain:7.3f}   {plain / report:.1f} times the read-out, at least 10")
    print(f"peak memory of the read-out over the metrics {peak:.2f}, at most 1.5")
    print(f"{DRAWS:,} permutations of {FEW} accounts x {METRICS} metrics, with intervals {few:7.3f}, at most 2")
    failed = report > 4 * sums or plain < 10 * report or peak > 1.5 or few > 2 or any(wrong)
    return int(failed)


@dataclass(frozen=True)
class Experiment:
    """Accounts of contacts in no order, arms of accounts, and outcomes of 0 and 1 before and after as columns."""

    account: object
    arm: object
    after: list
    before: list


def make(contacts: int, accounts: int) -> Experiment:
    import numpy as np

    rng = np.random.default_rng(20261122)
    account = rng.permutation(np.concatenate([np.arange(accounts), rng.integers(0, accounts, contacts - accounts)]))
    arm = rng.permutation(np.arange(accounts) % 2)
    share = rng.beta(2, 8, accounts)[account]
    after, before = ([(rng.random(contacts) < share).astype(float) for _ in range(METRICS)] for _ in range(2))
    return Experiment(account, arm, after, before)


def bare_sums(book):
    import numpy as np

    columns = [None, *book.after, *book.before]
    return [np.bincount(book.account, column, minlength=len(book.arm)) for column in columns]


def read_out(book):
    """Everything a report holds, from contacts to adjusted intervals."""
    import numpy as np

    from csworkbench.inference.accounts import roll_up, with_covariate
    from csworkbench.inference.effects import compare
    from csworkbench.inference.multiplicity import holm
    from csworkbench.inference.sample_ratio import sample_ratio

    size, effects = np.bincount(book.account, minlength=len(book.arm)).astype(float), []
    sample_ratio(np.bincount(book.arm).tolist(), [1, 1])
    for outcome, earlier in zip(book.after, book.before, strict=True):
        sums = roll_up(book.account, outcome, book.arm, size=size)
        covered, _ = with_covariate(sums, np.bincount(book.account, earlier, minlength=len(size)), size)
        effects.append(compare(covered).effect)
    levels = holm([effect.p for effect in effects]).levels
    return [
        (effect.estimate("share", level), effect.relative(0.95)) for effect, level in zip(effects, levels, strict=True)
    ]


def raw_effects(book):
    from csworkbench.inference.accounts import roll_up
    from csworkbench.inference.effects import delta_t

    found = [delta_t(roll_up(book.account, outcome, book.arm)) for outcome in book.after]
    return [(effect.value, effect.error) for effect in found]


def least_squares(book, metrics=METRICS):
    import numpy as np
    from statsmodels.regression.linear_model import OLS

    design = np.column_stack([np.ones(len(book.account)), book.arm[book.account]])
    how = {"cov_type": "cluster", "cov_kwds": {"groups": book.account}}
    found = [OLS(outcome, design).fit(**how) for outcome in book.after[:metrics]]
    return [(fitted.params[1], fitted.bse[1]) for fitted in found]


def permutations(book):
    from csworkbench.inference.accounts import roll_up
    from csworkbench.inference.permutation import arrangements, permutation_test

    ways = arrangements(book.arm, draws=DRAWS)
    for outcome in book.after:
        test = permutation_test(roll_up(book.account, outcome, book.arm), ways)
        test.p()
        test.interval()


def cpu(function, book):
    start = time.process_time()
    done = function(book)
    return time.process_time() - start, done


def peak_of(function, book):
    tracemalloc.start()
    function(book)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak


if __name__ == "__main__":
    sys.exit(main())
