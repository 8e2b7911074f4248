"""The web interface: a local server and its page, on which pictures are restored.

The server holds no picture and runs no fit. Each piece of work is done in a process of its own, which it
speaks to in lines of JSON; what survives lies in a folder for each picture and each job.

    page, curl ──HTTP──▶ routes ──▶ queue ──▶ process ──pipe──▶ worker ──▶ Run
"""
