package import Tensors

/// The header of one safetensors file: where each tensor lies and what it is.
///
/// A value of this type has been checked against the file: every tensor is inside it, tensors touch without
/// gap or overlap, byte counts agree with types and shapes, and no name appears twice.
package struct SafetensorsIndex: Sendable {
  package struct Entry: Sendable, Hashable {
    package let name: String
    /// As the header spells it, e.g. `BF16`.
    package let dtypeName: String
    /// Nil for types that the engine has no use for.
    package let dtype: DType?
    package let shape: [Int]
    /// Bytes of the file, not of its data section.
    package let bytes: Range<Int>
  }

  /// In the order of their bytes.
  package let entries: [Entry]
  /// Free text pairs of the writer.
  package let metadata: [String: String]
  private let positions: [String: Int]

  init(entries: [Entry], metadata: [String: String], positions: [String: Int]) {
    self.entries = entries
    self.metadata = metadata
    self.positions = positions
  }

  package subscript(_ name: String) -> Entry? {
    positions[name].map { entries[$0] }
  }
}
