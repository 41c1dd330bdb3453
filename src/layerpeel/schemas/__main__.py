"""Makes the committed schemas anew."""

from layerpeel.schemas import write_schemas

if __name__ == "__main__":
    write_schemas()
