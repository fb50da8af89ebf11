"""Everything that knows Adobe Experience Platform, and the command line for people."""

__version__ = "0.1.0"
