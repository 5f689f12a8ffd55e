"""The finished runs in outputs/, and their models: chosen by the visitor, opened when asked for."""
