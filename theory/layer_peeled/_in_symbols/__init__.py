"""The identities that rooms prove, in symbols: each module holds both sides of those of one subject."""
