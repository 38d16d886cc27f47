package import Compute
package import Tensors

/// A slice of one checkpoint tensor: `rows` of it, and `columns` of each row. A vector is one row.
package struct WeightPiece: Sendable, Hashable {
  package var tensor: CheckpointTensor
  package var rows: Range<Int>
  package var columns: Range<Int>

  package init(_ tensor: CheckpointTensor, rows: Range<Int>, columns: Range<Int>) {
    self.tensor = tensor
    self.rows = rows
    self.columns = columns
  }

  /// All columns of some rows.
  package init(_ tensor: CheckpointTensor, rows: Range<Int>) {
    self.init(tensor, rows: rows, columns: 0..<tensor.columns)
  }

  /// Some columns of all rows.
  package init(_ tensor: CheckpointTensor, columns: Range<Int>) {
    self.init(tensor, rows: 0..<tensor.rows, columns: columns)
  }
}

/// All that a rank must load, and where it goes in the weights arena.
package struct WeightPlan: Sendable {
  /// A packed matrix made of pieces stacked by rows.
  package struct Matrix: Sendable {
    package var pieces: [WeightPiece]
    package var packed: PackedMatrix
  }

  /// A plain f32 vector made of concatenated pieces.
  package struct Vector: Sendable {
    package var pieces: [WeightPiece]
    package var region: Region
    /// Added to every element once it is loaded.
    package var offset: Float
  }

  /// Bytes known at build time (summation schedules, rotary tables).
  package struct Constant: Sendable {
    package var bytes: [UInt8]
    package var region: Region
  }

  package private(set) var matrices: [Matrix] = []
  package private(set) var vectors: [Vector] = []
  package private(set) var constants: [Constant] = []
  package private(set) var arena = RegionAllocator(.weights)
  private var knownConstants: [[UInt8]: Region] = [:]

  package init() {}

  /// Bytes of the rank's shard.
  package var byteCount: Int { arena.byteCount }

  /// Plans a packed matrix of all rows of `pieces`, which must agree in their number of columns.
  ///
  /// - Parameter leafWidth: columns of a leaf of a row-parallel matrix; nil for one leaf of all columns.
  package mutating func matrix(
    _ pieces: [WeightPiece], format: WeightFormat, leafWidth: Int? = nil
  ) -> PackedMatrix {
    let columns = pieces.first.map { $0.columns.count } ?? 0
    precondition(
      pieces.allSatisfy { $0.columns.count == columns }, "pieces of \(pieces[0].tensor.name) differ in width")
    let rows = pieces.reduce(0) { $0 + $1.rows.count }
    let leafWidth = leafWidth ?? max(columns, 1)
    let bytes = PackedLayout.byteCount(rows: rows, columns: columns, format: format, leafWidth: leafWidth)
    let packed = PackedMatrix(
      region: arena.take(bytes: bytes), rows: rows, columns: columns, format: format, leafWidth: leafWidth)
    if rows > 0 && columns > 0 { matrices.append(Matrix(pieces: pieces, packed: packed)) }
    return packed
  }

  /// Plans a plain vector.
  package mutating func vector(_ pieces: [WeightPiece], offset: Float = 0) -> Region {
    let region = arena.take(floats: pieces.reduce(0) { $0 + $1.columns.count })
    vectors.append(Vector(pieces: pieces, region: region, offset: offset))
    return region
  }

  /// Space that the worker fills itself (rotary tables).
  package mutating func reserve(floats count: Int) -> Region { arena.take(floats: count) }

  /// Plans bytes that are known now; equal constants share one place.
  package mutating func constant(_ bytes: [UInt8]) -> Region {
    if let known = knownConstants[bytes] { return known }
    let region = arena.take(bytes: bytes.count)
    constants.append(Constant(bytes: bytes, region: region))
    knownConstants[bytes] = region
    return region
  }
}
