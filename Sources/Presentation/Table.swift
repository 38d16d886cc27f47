/// A table in Markdown whose columns also line up in a terminal.
package struct Table: Sendable {
  package enum Alignment: Sendable {
    case left, right
  }

  private let columns: [(title: String, alignment: Alignment)]
  private var rows: [[String]] = []

  package init(_ columns: [(title: String, alignment: Alignment)]) { self.columns = columns }

  /// Adds a row; it must have a cell for every column.
  package mutating func add(_ cells: [String]) {
    precondition(cells.count == columns.count, "\(cells.count) cells for \(columns.count) columns")
    // A bar or line break inside a cell would end it.
    rows.append(cells.map { $0.replacing("|", with: "\\|").replacing("\n", with: " ") })
  }

  /// The lines of the table: titles, rule, rows.
  package var lines: [String] {
    let widths = columns.indices.map { column in
      max(3, ([columns[column].title] + rows.map { $0[column] }).map(\.count).max() ?? 0)
    }
    let rule = zip(columns, widths).map { column, width in
      column.alignment == .left
        ? String(repeating: "-", count: width) : String(repeating: "-", count: width - 1) + ":"
    }
    return ([columns.map(\.title)] + [rule] + rows).map { cells in
      let padded = cells.indices.map { column in
        let space = String(repeating: " ", count: widths[column] - cells[column].count)
        return columns[column].alignment == .left ? cells[column] + space : space + cells[column]
      }
      return "| " + padded.joined(separator: " | ") + " |"
    }
  }

  package var text: String { lines.joined(separator: "\n") }
}
