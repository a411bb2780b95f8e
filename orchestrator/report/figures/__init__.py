"""The charts of the HTML report as pictures of one column of a paper."""
