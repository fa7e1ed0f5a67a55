"""The doors: translate, call one service function, translate back."""
