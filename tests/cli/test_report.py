def test_a_report_is_an_html_page(tmp_path, refused):
    assert "a report is written as .html, got 'out.pdf'" in refused("report", tmp_path, "--out", "out.pdf")
    assert str(tmp_path) in refused("report", tmp_path)
