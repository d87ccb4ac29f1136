//! Lines of CSV that a spreadsheet only shows.

use crate::base::error::{Error, Result};

/// What a formula begins with, also in full width.
const FORMULA: [char; 10] = ['=', '+', '-', '@', '\t', '\r', '＝', '＋', '－', '＠'];

/// A line of CSV (RFC 4180). What a spreadsheet would run as a formula gets a quote before it (OWASP, "CSV
/// injection").
///
/// # Errors
/// A fault of the writer.
pub fn line<'a>(cells: impl IntoIterator<Item = &'a str>) -> Result<Vec<u8>> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    let safe = cells.into_iter().map(|cell| {
        let runs = cell.trim_start_matches(['\n', ' ']).starts_with(FORMULA);
        if runs { format!("'{cell}") } else { cell.to_owned() }
    });
    writer.write_record(safe).map_err(Error::internal)?;
    writer.into_inner().map_err(|fault| Error::internal(fault.to_string()))
}

#[cfg(test)]
mod tests {
    use super::line;

    /// U5: nothing in a cell runs in a spreadsheet.
    #[test]
    fn a_cell_is_no_formula() {
        let cells = [
            "=HYPERLINK(\"http://evil.example\")",
            "two\nlines, and \"quotes\"",
            "@SUM(A1)",
            "5",
            "\n=1+1",
            "＝1+1",
        ];
        let text = String::from_utf8(line(cells).unwrap()).unwrap();
        assert!(text.contains("\"'=HYPERLINK(\"\"http://evil.example\"\")\""), "{text}");
        assert!(text.contains("\"two\nlines, and \"\"quotes\"\"\""), "{text}");
        assert!(text.contains(",'@SUM(A1),5,\"'\n=1+1\",'＝1+1"), "{text}");
    }
}
