"""What is in the versions of datasets: read once, kept, and judged in the order of their builds.

A build is known by its event, whoever read its artifact; if its file is here, what is in it is read
(`reading`) and kept by its content (`versions`). Each version is judged when it is its turn, with
what is kept of those before (`judging`), and the finding is told as an event. What is read and kept
can be had again from the files; how versions came out can be had again by judging them.
"""
