/// Rows of f32 numbers, one after the other.
public struct RowMatrix: Sendable, Hashable {
  public let rows: Int
  public let columns: Int
  /// `rows * columns` numbers.
  public let values: [Float]

  /// - Precondition: `values` has `rows * columns` elements.
  public init(rows: Int, columns: Int, values: [Float]) {
    precondition(
      rows >= 0 && columns >= 0 && values.count == rows * columns,
      "\(values.count) numbers for \(rows) rows of \(columns)")
    self.rows = rows
    self.columns = columns
    self.values = values
  }

  /// One row.
  public subscript(row: Int) -> ArraySlice<Float> { values[row * columns..<(row + 1) * columns] }

  /// Some of the rows, in the order given: those that sample, for instance.
  public func picking(_ indices: some Sequence<Int>) -> RowMatrix {
    let picked = indices.map { self[$0] }
    return RowMatrix(rows: picked.count, columns: columns, values: picked.flatMap { $0 })
  }

  /// Rows `range` as little-endian bytes.
  func littleEndianBytes(_ range: Range<Int>) -> [UInt8] {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(range.count * columns * 4)
    for value in values[range.lowerBound * columns..<range.upperBound * columns] {
      let bits = value.bitPattern
      for byte: UInt32 in 0..<4 { bytes.append(UInt8(truncatingIfNeeded: bits >> (8 * byte))) }
    }
    return bytes
  }
}
