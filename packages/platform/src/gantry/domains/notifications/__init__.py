"""What administrators should know of that nobody was there to see: written with the fact itself.

Who sees them is a question for nouns above (`inbox`): everything that can go wrong lies between.
"""
