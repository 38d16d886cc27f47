/// How the elements of a packed weight matrix are stored.
package enum WeightFormat: UInt8, Sendable, BitwiseCopyable, CaseIterable {
  /// Pairs of neighbouring columns in one 32-bit word per row.
  case bf16
  /// The same words, but products round their activations to bfloat16 as well (`--numerics fast`).
  case bf16Dots
  /// One binary32 per element; used for float16 and float32 checkpoints, whose values bfloat16 cannot hold.
  case f32
  /// Signed bytes in groups of 32 columns with one binary16 scale: 8.5 bits an element.
  case q8
  /// Four bits in groups of 32 columns with one binary16 scale: 4.5 bits an element.
  case q4

  /// The format that keeps every value of `dtype` exactly.
  package init(keeping dtype: DType) {
    self = dtype == .bf16 ? .bf16 : .f32
  }

  /// Element type of the packed words of the plain formats.
  package var dtype: DType { self == .bf16 || self == .bf16Dots ? .bf16 : .f32 }

  /// Whether products with it are exact sums of whole numbers per group of columns.
  package var isQuantized: Bool { self == .q8 || self == .q4 }

  /// Whether products read activations that were rounded for them.
  package var roundsInputs: Bool { isQuantized || self == .bf16Dots }

  /// Bytes of one row of activations that was rounded for a product; 0 when products read f32.
  package func roundedRowBytes(_ groups: QuantGroups) -> Int {
    switch self {
    case .q8, .q4: groups.rowBytes
    case .bf16Dots: (groups.columns + 1) / 2 * 4
    case .bf16, .f32: 0
    }
  }

  /// What the stored whole numbers are above their signed value.
  package var zeroPoint: Int32 { self == .q8 ? 128 : 8 }

  /// Columns that are packed as one: leaves of a contraction are multiples of it.
  package var leafGranule: Int { isQuantized ? QuantGroups.width : 2 }

  /// How a user spells it.
  package var name: String {
    switch self {
    case .bf16: "bf16"
    case .bf16Dots: "bf16-dots"
    case .f32: "f32"
    case .q8: "q8"
    case .q4: "q4"
    }
  }
}

/// How weights are held: which tensors keep the checkpoint's precision and which are rounded.
package enum Quantization: UInt8, Sendable, Hashable, CaseIterable {
  /// As stored, or as `--dtype` says.
  case none
  /// As `none`, but activations that meet bf16 matrices are rounded to it.
  case bf16Dots
  case q8
  case q4

  /// Attention and MLP matrices, given the format of everything else.
  package func matrices(_ plain: WeightFormat) -> WeightFormat {
    switch self {
    case .none: plain
    case .bf16Dots: plain == .bf16 ? .bf16Dots : plain
    case .q8: .q8
    case .q4: .q4
    }
  }

  /// The head: eight bits at least, because its errors reach the choice of tokens directly.
  package func head(_ plain: WeightFormat) -> WeightFormat {
    let format = matrices(plain)
    return format == .q4 ? .q8 : format
  }
}

/// The packed form of a weight matrix W[rows, columns]: vector lanes are output rows, columns run
/// sequentially.
///
/// Rows are zero-padded to panels of 16; up to four panels form a block, whose panels are interleaved, so
/// that a decode step reads one ascending stream. bf16: word `(block b, column pair c, panel p of w, lane
/// l)` is at `b * 64 * ceil(columns / 2) + (c * w + p) * 16 + l`; the low half is the even column. f32:
/// element `(b, k, p, l)` is at `b * 64 * columns + (k * w + p) * 16 + l`. q8 and q4: see `QuantGroups` and
/// `Kernels.docc`.
package enum PackedLayout {
  /// Output rows of one vector.
  package static let lanes = 16
  /// Panels of a full block.
  package static let panelsPerBlock = 4

  /// Panels of 16 rows, the last one zero-padded.
  package static func panelCount(rows: Int) -> Int { (rows + lanes - 1) / lanes }

  /// Bytes of a packed matrix.
  ///
  /// - Parameter leafWidth: columns of a leaf of its contraction, nil for all: where quantisation groups
  ///   begin anew.
  package static func byteCount(
    rows: Int, columns: Int, format: WeightFormat, leafWidth: Int? = nil
  ) -> Int {
    let padded = panelCount(rows: rows) * lanes
    switch format {
    case .bf16, .bf16Dots: return padded * ((columns + 1) / 2) * 4
    case .f32: return padded * columns * 4
    case .q8, .q4:
      let groups = QuantGroups(columns: columns, leafWidth: leafWidth ?? columns)
      return padded * groups.count * (format == .q8 ? 34 : 18)
    }
  }
}

/// How the columns of a matrix, and the activations that meet them, are cut into quantisation groups.
///
/// Groups are 32 columns and never reach across a leaf of the contraction: a leaf whose width is no multiple
/// of 32 ends with a short group, which is stored as 32 columns with zeros. Leaves depend on model and
/// format only, and so do groups.
package struct QuantGroups: Sendable, Hashable, BitwiseCopyable {
  /// Columns of a full group.
  package static let width = 32

  package let columns: Int
  /// Columns of every leaf but the last, which may be shorter.
  package let leafWidth: Int

  package init(columns: Int, leafWidth: Int) {
    precondition(columns >= 0 && leafWidth >= min(1, columns), "leaves of \(leafWidth) in \(columns) columns")
    self.columns = columns
    self.leafWidth = max(leafWidth, 1)
  }

  /// Groups of every leaf but the last.
  package var perLeaf: Int { (leafWidth + Self.width - 1) / Self.width }

  package var count: Int {
    let (leaves, rest) = columns.quotientAndRemainder(dividingBy: leafWidth)
    return leaves * perLeaf + (rest + Self.width - 1) / Self.width
  }

  /// Bytes of one quantised row of activations; per group 32 signed bytes, the f32 scale, and the i32 sum of
  /// the bytes times minus the weights' zero point, where the group's integer sum begins.
  package var rowBytes: Int { count * 40 }
}
