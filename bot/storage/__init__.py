"""The SQLite file: what is remembered of each channel. Knows no model and no Discord.

- `database`: opens, migrates and checks the file; connections and transactions
- `connection`: a connection to the file
- `channel_ref`: the ids by which a channel is known
- `turns`: the newest turns of each channel, and a summary of older ones
- `example`: one answer as an example for training
- `examples`: the examples that are kept, and the consent to it
- `channel_settings`: a channel's persona and settings, over the operator's
- `read_only`: opens a file only to read it, also while the bot uses it
- `pending_changes`: changes that wait while the file cannot be used
- `reshard`: divides files among processes when the number of shards changes
"""
