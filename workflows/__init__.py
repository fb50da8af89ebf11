"""Everything that knows Adobe Experience Platform, and the shells (command line, dashboard, worker) for people."""

__version__ = "0.1.0"
