"""What reading and writing Excel workbooks agree on, without the libraries that do either."""

# Text such as "_x0041_" looks like Excel's escapes; XlsxWriter escapes overlapping ones wrongly and openpyxl 3.1
# drops every "x005F_". An invisible word joiner inside keeps both away from it, and is taken out again.
JOINER = "\u2060"
