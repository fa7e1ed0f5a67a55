"""placeholder"""


def demo_command() -> None:
    """demo"""
