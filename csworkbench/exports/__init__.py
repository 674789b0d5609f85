"""Tables as files that people and machines can open: the same inputs are the same bytes, and nothing computes.

tables     CSV for people and typed Parquet, of every table
sheets     a workbook for people (XLSX) in which every text is a text
crm        CSV for imports into HubSpot and Salesforce, with their column names and within their limits
handouts   the further files of a table that people take away
"""

from csworkbench.exports.crm import HUBSPOT, SALESFORCE, Profile, crm_files
from csworkbench.exports.handouts import write_handout
from csworkbench.exports.sheets import workbook
from csworkbench.exports.tables import ExportedTable, write_table, write_tables

__all__ = [
    "HUBSPOT",
    "SALESFORCE",
    "ExportedTable",
    "Profile",
    "crm_files",
    "workbook",
    "write_handout",
    "write_table",
    "write_tables",
]
