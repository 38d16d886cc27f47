/// A plain table: aligned columns, a rule below the head.
package struct TextTable: Sendable {
  private let head: [String]
  private var rows: [[String]] = []
  private let alignsRight: [Bool]

  /// Columns in `numeric` are aligned right.
  package init(_ head: [String], numeric: Set<Int> = []) {
    self.head = head
    self.alignsRight = head.indices.map { numeric.contains($0) }
  }

  package mutating func add(_ row: [String]) {
    precondition(row.count == head.count, "a row of \(row.count) cells in a table of \(head.count) columns")
    rows.append(row)
  }

  package var isEmpty: Bool { rows.isEmpty }

  /// The lines, without trailing blanks.
  package var lines: [String] {
    let widths = head.indices.map { column in
      ([head] + rows).map { $0[column].unicodeScalars.count }.max() ?? 0
    }
    let rule = widths.map { String(repeating: "-", count: $0) }
    return ([head, rule] + rows).map { line($0, widths) }
  }

  private func line(_ cells: [String], _ widths: [Int]) -> String {
    var text = cells.indices.map { column in
      let blanks = String(repeating: " ", count: widths[column] - cells[column].unicodeScalars.count)
      return alignsRight[column] ? blanks + cells[column] : cells[column] + blanks
    }.joined(separator: "  ")
    while text.last == " " { text.removeLast() }
    return text
  }
}
