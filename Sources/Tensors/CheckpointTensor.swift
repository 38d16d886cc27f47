/// One tensor of a model, wherever a checkpoint keeps it.
///
/// Logically it is `shape`: `[rows, columns]` row-major, or `[count]`, which is one row. Checkpoints may keep
/// it under one of several names, alone or as consecutive rows of a larger tensor (experts stacked in one
/// file entry); the first location that exists counts.
package struct CheckpointTensor: Sendable, Hashable {
  /// `[rows, columns]` or `[count]`.
  package var shape: [Int]
  package var locations: [TensorLocation]

  package init(shape: [Int], locations: [TensorLocation]) {
    self.shape = shape
    self.locations = locations
  }

  /// A tensor that is alone under each of its possible names.
  package init(_ names: String..., shape: [Int]) {
    self.shape = shape
    self.locations = names.map { TensorLocation(name: $0, shape: shape, firstRow: 0) }
  }

  /// The usual name.
  package var name: String { locations[0].name }
  package var rows: Int { shape.count == 1 ? 1 : shape[0] }
  package var columns: Int { shape[shape.count - 1] }
}

/// A name in a checkpoint and the rows there that are meant.
package struct TensorLocation: Sendable, Hashable {
  package var name: String
  /// Whole shape of the tensor under that name; its leading dims together are its rows.
  package var shape: [Int]
  package var firstRow: Int

  package init(name: String, shape: [Int], firstRow: Int) {
    self.name = name
    self.shape = shape
    self.firstRow = firstRow
  }
}
