"""One reading of an article by the encoder, from which topics, stance and what is worth telling are drawn.

An article goes through the modules in this order: `windows` cuts it into what the encoder reads at once, `encoder`
gives a state for every token, `passages`, `features` and `bag` say where targets and sentences stand and which words
there are, `heads` turn all of it into numbers, and `reader` puts them together. It knows nothing of summaries.
"""
