package import Tensors

/// One piece of a worker's weights: what to take from the checkpoint and where to put it.
///
/// Pieces are stacked top to bottom into one matrix, which is how q, k and v, or gate and up, become one, how
/// replicated KV heads are repeated, and how uneven shards are filled up with rows of zeros.
package struct TensorRequest: Sendable {
  package enum Piece: Sendable {
    /// A rectangle of a tensor; a one-dimensional tensor is a single row.
    case part(CheckpointTensor, rows: Range<Int>, columns: Range<Int>)
    /// Rows of zeros, as wide as the other pieces; in a vector, that many elements.
    case zeros(Int)
  }

  package enum Destination: Sendable, Hashable {
    /// A matrix in the layout that the kernels read, see `PackedLayout`.
    /// Quantisation groups begin anew at every multiple of `leafWidth` columns; nil for one leaf of all
    /// columns.
    case packed(WeightFormat, leafWidth: Int? = nil)
    /// Plain f32, row after row: norm weights, biases.
    case vector
  }

  package var pieces: [Piece]
  package var destination: Destination
  /// First byte in the arena.
  package var byteOffset: Int

  package init(_ pieces: [Piece], as destination: Destination, at byteOffset: Int) {
    self.pieces = pieces
    self.destination = destination
    self.byteOffset = byteOffset
  }

  /// A whole tensor.
  package init(whole tensor: CheckpointTensor, as destination: Destination, at byteOffset: Int) {
    self.init(
      [.part(tensor, rows: 0..<tensor.rows, columns: 0..<tensor.columns)], as: destination, at: byteOffset)
  }

  /// Columns of the stacked matrix: those of its first part.
  package var columns: Int {
    for case .part(_, _, let columns) in pieces { return columns.count }
    return 0
  }

  /// Rows of the stacked matrix; for a vector, its elements.
  package var rows: Int {
    pieces.reduce(0) { sum, piece in
      switch piece {
      case .part(_, let rows, let columns):
        return sum + (destination == .vector ? rows.count * columns.count : rows.count)
      case .zeros(let count): return sum + count
      }
    }
  }

  /// Bytes written at `byteOffset`.
  package var byteCount: Int {
    switch destination {
    case .packed(let format, let leafWidth):
      PackedLayout.byteCount(rows: rows, columns: columns, format: format, leafWidth: leafWidth)
    case .vector: rows * 4
    }
  }
}

/// How far loading has come.
package struct LoadProgress: Sendable, Hashable {
  /// Bytes written to the arena.
  package var doneBytes: Int
  package var totalBytes: Int
}
