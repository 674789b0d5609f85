"""A seeded simulator of a whole customer book, with true effects that only tests may read.

Every table has its own random stream, so a table that is added later changes no other. A latent engagement of each
account and month drives use, tickets, NPS and, through a documented logistic model, renewals.
"""

from csworkbench.sampledata.book import SampleBook, simulate
from csworkbench.sampledata.digest import content_digest
from csworkbench.sampledata.files import read, write
from csworkbench.sampledata.lotteries import lottery_records
from csworkbench.sampledata.projects import workspace_text
from csworkbench.sampledata.trials import trial_days
from csworkbench.sampledata.truths import Truths
from csworkbench.sampledata.world import BookSize

__all__ = [
    "BookSize",
    "SampleBook",
    "Truths",
    "content_digest",
    "lottery_records",
    "read",
    "simulate",
    "trial_days",
    "workspace_text",
    "write",
]
