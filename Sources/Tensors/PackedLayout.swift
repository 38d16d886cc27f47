/// How the elements of a packed weight matrix are stored.
package enum WeightFormat: UInt8, Sendable, BitwiseCopyable, CaseIterable {
  /// Pairs of neighbouring columns in one 32-bit word per row.
  case bf16
  /// One binary32 per element; used for float16 and float32 checkpoints, whose values bfloat16 cannot hold.
  case f32

  /// The format that keeps every value of `dtype` exactly.
  package init(keeping dtype: DType) {
    self = dtype == .bf16 ? .bf16 : .f32
  }

  /// Element type of the packed words.
  package var dtype: DType { self == .bf16 ? .bf16 : .f32 }
}

/// The packed form of a weight matrix W[rows, columns]: vector lanes are output rows, columns run sequentially.
///
/// Rows are zero-padded to panels of 16; up to four panels form a block, whose panels are interleaved, so that a
/// decode step reads one ascending stream. bf16: word `(block b, column pair c, panel p of w, lane l)` is at
/// `b * 64 * ceil(columns / 2) + (c * w + p) * 16 + l`; the low half is the even column. f32: element `(b, k, p, l)`
/// is at `b * 64 * columns + (k * w + p) * 16 + l`.
package enum PackedLayout {
  /// Output rows of one vector.
  package static let lanes = 16
  /// Panels of a full block.
  package static let panelsPerBlock = 4

  /// Panels of 16 rows, the last one zero-padded.
  package static func panelCount(rows: Int) -> Int { (rows + lanes - 1) / lanes }

  /// Bytes of a packed matrix.
  package static func byteCount(rows: Int, columns: Int, format: WeightFormat) -> Int {
    let padded = panelCount(rows: rows) * lanes
    switch format {
    case .bf16: return padded * ((columns + 1) / 2) * 4
    case .f32: return padded * columns * 4
    }
  }
}
