"""The result of the triggers: what each is worth, what this week asks for, and what goes with what."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from csworkbench.analyses.triggers import occasions, pairs, thresholds, together, worth
from csworkbench.analyses.triggers.asking import open_alerts, proposal_table
from csworkbench.analyses.triggers.doubts import doubts, unconfirmed
from csworkbench.analyses.triggers.evidence import Inputs
from csworkbench.analyses.triggers.firing import alerts as fired
from csworkbench.analyses.triggers.kinds import TicketCluster
from csworkbench.analyses.triggers.settings import Config
from csworkbench.errors import AnalysisError
from csworkbench.estimates import Caveat, Estimate, Handout, Message, say, worst_first
from csworkbench.formats import Readable

if TYPE_CHECKING:
    import pandas as pd

JUDGED = (worth.WARNS, worth.WEAK, worth.NOT_SHOWN, worth.USELESS, worth.TOO_FEW)


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Result(Readable):
    """What the triggers say, and what they are worth.

    Tables, key columns first; shares are 0 to 1:

    * triggers, trigger: see `together.trigger_table`
    * worth, trigger: see `worth.table`
    * judged, trigger that losses judge: trigger, verdict, gain (precision minus base_rate), low, high
    * thresholds, trigger with a threshold: see `thresholds.table`
    * alerts, alert that could still ask for something: see `asking.open_alerts`
    * proposals, account and trigger, as docs/methods/proposals.md has them
    * pairs, topic and configuration: see `pairs.enriched`, with trigger and silent (accounts that have not asked)
    * silent, account with the configuration of a pair found that never asked: see `pairs.silent`, with name and csm_id
    * overlap, trigger and other trigger: see `together.overlap_table`
    * load, CSM: see `together.load_table`
    * complements, family: see `together.complement_table`
    * welcome, new account: see `occasions.welcome_table`
    * renewal_tasks, renewal whose window has begun: see `occasions.renewal_table`
    * upgrades, upgrade: see `occasions.upgrade_table`

    Args:
        headline: Verdict in one sentence.
        figures: proposed (contacts), warning (triggers that warn of losses); as far as they can be told silent
            (accounts with a known problem that have not asked), renewal_tasks_on_time, paying (sign-ups), and per
            trigger that can be judged precision.<trigger> and lead.<trigger>.
        tables: The frames above.
        caveats: Doubts, most severe first.
        actions: What to do next.
        handouts: The alerts as a workbook.
    """

    headline: Message
    figures: Mapping[str, Estimate]
    tables: "Mapping[str, pd.DataFrame]"
    caveats: tuple[Caveat, ...]
    actions: tuple[Message, ...]
    handouts: tuple[Handout, ...] = ()


def analyze(inputs: Inputs, config: Config) -> Result:
    """Return alerts, what they ask for this week, and what each trigger was worth.

    Args:
        inputs: Events, measures and losses, from `prepare`.
        config: Settings.

    Raises:
        AnalysisError: no account is known on the date.
    """
    if inputs.accounts.empty:
        raise AnalysisError(f"no account is known on {inputs.as_of}; choose a later date")
    rows = inputs.panel.rows
    days = worth.numbers(inputs.panel.dates)[rows["place"].to_numpy()]
    acted = worth.acted_after(rows["account"].to_numpy(), days, worth.touch_days(inputs), config.acted_days)
    proposed = thresholds.proposals(inputs, config, acted)
    used = thresholds.in_use(config, proposed)
    clusters, silent = _clusters(inputs, config)
    events = {
        name: pairs.told_events(silent, name, inputs.week.known)
        for name, each in config.triggers.items()
        if isinstance(each, TicketCluster) and name not in inputs.left_out
    }
    alerts = fired(inputs, config, used, events)
    found = worth.judge(inputs, config, alerts, acted)
    welcome = occasions.welcome_table(inputs, config)
    asking = open_alerts(inputs, config, alerts, used, occasions.refusals(welcome))
    judged = worth.table(inputs, config, found)
    tables = {
        "triggers": together.trigger_table(inputs, config, alerts, asking),
        "worth": judged,
        "judged": _judged(judged),
        "thresholds": thresholds.table(inputs, config, proposed),
        "alerts": asking,
        "proposals": proposal_table(inputs, config, asking),
        "pairs": clusters,
        "silent": silent,
        "overlap": together.overlap_table(config, alerts),
        "load": together.load_table(inputs, config, alerts),
        "complements": together.complement_table(inputs, config),
        "welcome": welcome,
        "renewal_tasks": occasions.renewal_table(inputs, config, alerts, asking),
        "upgrades": occasions.upgrade_table(config, asking),
    }
    return Result(
        headline=_headline(tables),
        figures=_figures(inputs, config, tables, found),
        tables=tables,
        caveats=worst_first(doubts(inputs, config, tables)),
        actions=tuple(_actions(inputs, config, tables)) or (say("Nothing to do: no alert asks for anything"),),
        handouts=(Handout("alerts", ("xlsx",)),),
    )


def _judged(table: "pd.DataFrame") -> "pd.DataFrame":
    """Return what can be drawn of the triggers that losses judge."""
    here = table[table["verdict"].isin(JUDGED) & table["gain"].notna()]
    drawn = here.rename(columns={"low": "-", "high": "--", "gain_low": "low", "gain_high": "high"})
    kept: pd.DataFrame = drawn[["trigger", "verdict", "gain", "low", "high"]].reset_index(drop=True)
    return kept


def _clusters(inputs: Inputs, config: Config) -> "tuple[pd.DataFrame, pd.DataFrame]":
    """Return the pairs of every trigger on ticket clusters, and the accounts that have not asked."""
    import pandas as pd

    parts, told = [], []
    here = inputs.accounts[inputs.accounts["churned_on"].isna()]
    for name, trigger in config.triggers.items():
        if not isinstance(trigger, TicketCluster) or name in inputs.left_out:
            continue
        asked = pairs.Asked(trigger.window_days, trigger.least_accounts, trigger.false_share, config.level)
        found = pairs.enriched(inputs.tickets, inputs.week.known, asked).assign(trigger=name)
        quiet = pairs.silent(inputs.tickets, found, set(here.index))
        counts = quiet.groupby(["topic", "configuration"]).size()
        keys = pd.MultiIndex.from_frame(found[["topic", "configuration"]])
        parts.append(found.assign(silent=counts.reindex(keys, fill_value=0).to_numpy() if len(counts) else 0))
        told.append(quiet)
    kinds = {**dict.fromkeys(pairs.SILENT, "str"), "has_written": "bool"}
    if not parts:
        empty = {name: pd.Series(dtype=kind) for name, kind in pairs.COLUMNS.items()}
        silent = pd.DataFrame({name: pd.Series(dtype=kind) for name, kind in kinds.items()})
        return pd.DataFrame(empty), silent.assign(name=pd.Series(dtype="str"), csm_id=pd.Series(dtype="str"))
    facts = here.reindex((silent := pd.concat(told, ignore_index=True))["account_id"])
    silent = silent.assign(name=facts["name"].to_numpy(), csm_id=facts["csm_id"].to_numpy())
    every = pd.concat(parts, ignore_index=True)[list(pairs.COLUMNS)].astype(pairs.COLUMNS)
    return every, silent.astype({"name": "str", "csm_id": "str"})


def _figures(
    inputs: Inputs, config: Config, tables: "Mapping[str, pd.DataFrame]", found: Mapping[str, worth.Worth]
) -> dict[str, Estimate]:
    n = int(inputs.accounts["churned_on"].isna().sum())
    judged = [each for each in found.values() if each.verdict in JUDGED]
    warns = sum(each.verdict == worth.WARNS for each in judged)
    figures = {
        "proposed": Estimate(len(tables["proposals"]), "contacts", n),
        "warning": Estimate(warns, "triggers", len(judged)),
    }
    if len(tables["pairs"]):
        figures["silent"] = Estimate(tables["silent"]["account_id"].nunique(), "accounts", n)
    told = {
        "renewal_tasks_on_time": occasions.on_time(inputs, config),
        "paying": occasions.paying(inputs, config.level),
    }
    figures |= {name: each for name, each in told.items() if each.n}
    for name in tables["worth"]["trigger"]:
        each = found[name]
        if each.verdict in JUDGED and each.judged:
            figures |= {f"precision.{name}": each.precision, f"lead.{name}": each.lead}
    return figures


def _headline(tables: "Mapping[str, pd.DataFrame]") -> Message:
    verdicts = tables["worth"]["verdict"]
    asked = say(
        "{n:n account is|accounts are} proposed for the week",
        n=tables["proposals"]["account_id"].nunique(),
    )
    judged = int(verdicts.isin(JUDGED).sum())
    if not judged:
        return say("No trigger can be judged by losses. {asked}", asked=asked)
    return say(
        "{warns:count} of {judged:n trigger|triggers} warn of losses, {useless:n is|are} shown to be useless. {asked}",
        warns=int(verdicts.isin([worth.WARNS, worth.WEAK]).sum()),
        judged=judged,
        useless=int((verdicts == worth.USELESS).sum()),
        asked=asked,
    )


def _actions(inputs: Inputs, config: Config, tables: "Mapping[str, pd.DataFrame]") -> Iterator[Message]:
    enriched = tables["pairs"][tables["pairs"]["is_enriched"]]
    for row in enriched.head(1).to_dict("records"):
        yield say(
            "Tell {silent:n account|accounts} with {configuration} that have not asked about {topic:word}: "
            "{accounts:n account has|accounts have} asked, {expected:number} are expected by chance",
            silent=int(row["silent"]),
            configuration=row["configuration"],
            topic=row["topic"],
            accounts=int(row["accounts"]),
            expected=float(row["expected"]),
        )
    table = tables["worth"]
    ready = table[~table["is_on"] & (table["verdict"] == worth.WARNS)]
    if len(ready):
        yield say("Switch on {names:list}: losses follow their alerts", names=list(ready["trigger"]))
    off = table[table["is_on"] & (table["verdict"] == worth.USELESS)]
    if len(off):
        yield say("Switch off {names:list}, or move the threshold", names=list(off["trigger"]))
    useless = set(table.loc[table["verdict"] == worth.USELESS, "trigger"])
    if open_ones := [name for name in unconfirmed(config, inputs) if name not in useless]:
        yield say("Confirm the thresholds of {names:list} in the settings, or set others", names=open_ones)
    waiting = tables["alerts"][tables["alerts"]["csm_id"].isna() & (tables["alerts"]["why_not"] == "")]
    if inputs.csms and len(waiting):
        yield say("Give {n:n account|accounts} that alert a CSM", n=waiting["account_id"].nunique())
    if len(tables["proposals"]):
        yield say("Go through the weekly list: it has {n:n proposal|proposals} of these", n=len(tables["proposals"]))
