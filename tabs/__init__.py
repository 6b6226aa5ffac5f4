"""The tabs of the page, found by looking: each module here that defines TAB is one.

Tabs never import each other; what they share is in tabs/_ui.py and tabs/_shell.py.
"""

import importlib
import pkgutil

from tabs._shell import Tab


def discover() -> list[Tab]:
    """The TAB of every module in this package whose name does not start with an underscore, in their order."""
    names = [module.name for module in pkgutil.iter_modules(__path__) if not module.name.startswith("_")]
    found = [importlib.import_module(f"tabs.{name}").TAB for name in names]
    return sorted(found, key=lambda tab: (tab.order, tab.title))
