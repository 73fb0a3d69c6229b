"""Graphs of RadGraph, from files or from its model -> claims."""
