"""The event log and the current state: SQLite by default, PostgreSQL for several servers, memory for tests."""

from gridgov.store.contract import SignIns, Store
from gridgov.store.memory import MemoryStore
from gridgov.store.opening import STORE_FILE, open_store, workspace_store_url
from gridgov.store.sql import SqlStore

__all__ = ["STORE_FILE", "MemoryStore", "SignIns", "SqlStore", "Store", "open_store", "workspace_store_url"]
