"""The program under the real Pulumi engine, with stand-ins for the two cloud plugins.

Needs `pulumi` on PATH and is skipped, saying so, where it is not: `make test-engine`. No account,
no cloud and no cluster: the plugins in `plugins/` keep what they are given in the engine's state.
"""
