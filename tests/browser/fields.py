"""What several browser tests do with fields."""

from typing import Any


def fill(field: Any, value: str) -> None:
    """Types a value in; again where the page still sets the field: a fold just opened, a result on its way."""
    for _ in range(5):
        field.fill(value)
        field.page.wait_for_timeout(500)
        if field.input_value() == value:
            return
    raise AssertionError(f"{field} does not keep {value}")
