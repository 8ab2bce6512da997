"""A company's own contract, in versions."""

from hookferry.contracts.texts import builtin_text


def acme(title: str = "one", prefix: str = "whsec_", header: str = "x-acme") -> str:
    """The contract `acme`: the standard one under another name, with its title in a header."""
    _, _, rest = builtin_text("standard").text.partition("title = ")
    rest = rest.partition("\n")[2]
    rest = rest.replace('prefix = "whsec_"', f'prefix = "{prefix}"')
    rest = rest.replace("[headers]", f'[headers]\n{header} = "{title}"', 1)
    return f'name = "acme"\ntitle = "{title}"\n{rest}'
