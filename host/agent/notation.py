"""JSON by the half of the standard library's that is C. The other half loads regular expressions first, which takes longer than to read a role's files.

The C half is CPython's own business: where a Python has it otherwise, json itself does the work.
"""

try:
    import _json

    class Rules:
        """What json.JSONDecoder tells the C half when nobody asks for anything else."""

        strict = True
        object_hook = object_pairs_hook = array_hook = None
        parse_float = float
        parse_int = int
        parse_constant = {"NaN": float("nan"), "Infinity": float("inf"), "-Infinity": float("-inf")}.__getitem__
        memo = {}

    def refuse(value):
        raise TypeError(f"{type(value).__name__} is nothing that JSON has")

    _scan = _json.make_scanner(Rules())
    _pieces = _json.make_encoder(None, refuse, _json.encode_basestring_ascii, None, ": ", ", ", False, False, True)
    if _scan('{"a": [1]}', 0) != ({"a": [1]}, 10) or "".join(_pieces({"a": [1]}, 0)) != '{"a": [1]}':
        raise ImportError

    def loads(text):
        """The value of a JSON text, in UTF-8 where it is bytes. Raises ValueError."""
        text = text.decode() if isinstance(text, bytes) else text
        text = text.strip(" \t\n\r")
        try:
            value, end = _scan(text, 0)
        except StopIteration:
            end = -1
        if end != len(text):
            raise ValueError("no JSON")
        return value

    def dumps(value):
        """A value as JSON, in ASCII and one line."""
        return "".join(_pieces(value, 0))

except Exception:  # whatever another Python says to this
    from json import dumps, loads  # noqa: F401
