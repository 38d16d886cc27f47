package import Tensors

/// Where weights come from: files, or a generator.
///
/// A source describes tensors by value and gives out rows of them; it never changes after it was opened, so
/// several threads may read different rows at the same time.
package protocol WeightSource {
  /// What the source is called in messages: a directory or "dummy weights".
  var title: String { get }

  /// Whether a tensor of that name is there.
  func contains(_ name: String) -> Bool

  /// Finds a tensor and checks its type and shape.
  ///
  /// - Throws: when no location exists, or the one that does has another shape or no weight type.
  func resolve(_ tensor: CheckpointTensor) throws(CheckpointError) -> ResolvedTensor

  /// Rows of a tensor in memory: address of `(rows.lowerBound, columns.lowerBound)` and bytes from row to
  /// row.
  ///
  /// The address may lie in `scratch`, which must have room for `rows.count * columns.count` elements, or in
  /// the source's own memory; it is good until `scratch` is used again. Elements need not be aligned.
  @unsafe
  func locate(
    _ tensor: ResolvedTensor, rows: Range<Int>, columns: Range<Int>, scratch: UnsafeMutableRawBufferPointer
  ) -> (base: UnsafeRawPointer, rowStride: Int)

  /// These rows are wanted soon.
  func prefetch(_ tensor: ResolvedTensor, rows: Range<Int>)

  /// These rows are not wanted again for now.
  func release(_ tensor: ResolvedTensor, rows: Range<Int>)
}

/// A tensor that a source has found.
package struct ResolvedTensor: Sendable, Hashable {
  package let tensor: CheckpointTensor
  /// Name under which it was found.
  package let name: String
  package let dtype: DType
  /// Position in the source: file and first byte of row 0, or the generator's stream.
  let origin: Origin

  enum Origin: Sendable, Hashable {
    case file(part: Int, byteOffset: Int)
    case stream(key: UInt64, kind: SyntheticWeights.Kind)
  }

  package var rows: Int { tensor.rows }
  package var columns: Int { tensor.columns }
  /// Bytes of one whole row as stored.
  package var rowBytes: Int { columns * dtype.byteCount }
}

/// Borrowed rows of a tensor, row-major.
package struct RowBlock: ~Escapable {
  /// From the first wanted element to the last one; rows are `rowStride` bytes apart.
  package let bytes: RawSpan
  package let rowStride: Int
  package let rows: Int
  package let columns: Int
  package let dtype: DType

  @_lifetime(copy bytes)
  init(bytes: RawSpan, rowStride: Int, rows: Int, columns: Int, dtype: DType) {
    self.bytes = bytes
    self.rowStride = rowStride
    self.rows = rows
    self.columns = columns
    self.dtype = dtype
  }

  /// One element, widened exactly to f32.
  package func element(_ row: Int, _ column: Int) -> Float {
    precondition(row >= 0 && row < rows && column >= 0 && column < columns, "(\(row), \(column)) is outside")
    let offset = row * rowStride + column * dtype.byteCount
    return Widening.element(bytes, at: offset, dtype)
  }
}

extension WeightSource {
  /// Calls `body` with rows of a tensor, without copying where the source is a file.
  package func withRows<Result>(
    _ tensor: ResolvedTensor, rows: Range<Int>, columns: Range<Int>,
    _ body: (borrowing RowBlock) throws -> Result
  ) rethrows -> Result {
    precondition(
      rows.lowerBound >= 0 && rows.upperBound <= tensor.rows && columns.lowerBound >= 0
        && columns.upperBound <= tensor.columns, "rows \(rows) or columns \(columns) outside the tensor")
    let size = tensor.dtype.byteCount
    let scratch = UnsafeMutableRawBufferPointer.allocate(
      byteCount: max(64, rows.count * columns.count * size), alignment: 64)
    defer { unsafe scratch.deallocate() }
    let (base, stride) = unsafe locate(tensor, rows: rows, columns: columns, scratch: scratch)
    let count = rows.isEmpty ? 0 : (rows.count - 1) * stride + columns.count * size
    let bytes = unsafe RawSpan(_unsafeStart: base, byteCount: count)
    return try body(
      RowBlock(
        bytes: bytes, rowStride: stride, rows: rows.count, columns: columns.count, dtype: tensor.dtype))
  }
}
