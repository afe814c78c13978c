"""Retraining: look whether anything has changed, train a challenger, let the better one be champion."""
