/// How a stored tensor becomes a model tensor of another shape: one alignment per axis.
package struct TensorAlignment: Sendable, Hashable {
  package let axes: [AxisAlignment]

  /// What an axis means, which decides how it grows.
  package enum AxisRole: Sendable, Hashable {
    /// KV heads, or an axis over (expert, model): repeated.
    case repeated
    /// Expert widths, or an axis over (attn_dp, model): padded with zeros.
    case zeroPadded
    /// Anything else: repeated where that is possible.
    case other

    /// The role of a logical axis name of the original, or of a tuple of its mesh axes.
    package init(names: [String]) {
      switch names {
      case ["kv_heads"], ["expert", "model"]: self = .repeated
      case ["mlp_moe"], ["activation_mlp"], ["attn_dp", "model"]: self = .zeroPadded
      default: self = .other
      }
    }
  }

  /// Aligns `stored` with `model`, axis by axis; `roles` empty means that nothing is known about the axes.
  package init(
    stored: [Int], model: [Int], roles: [AxisRole] = [], shards: Int = 1, loadedSharded: Bool = false
  ) throws(PlanningError) {
    guard stored.count == model.count else {
      throw PlanningError(
        "The stored tensor has \(stored.count) axes and the model's has \(model.count): convert a "
          + "checkpoint with stacked layers to one tensor a layer.")
    }
    var axes: [AxisAlignment] = []
    for axis in stored.indices {
      let role = roles.indices.contains(axis) ? roles[axis] : .other
      axes.append(
        role == .zeroPadded && stored[axis] != model[axis]
          ? try .zeroPadding(
            from: stored[axis], to: model[axis], shards: shards, loadedSharded: loadedSharded)
          : try .repeating(from: stored[axis], to: model[axis]))
    }
    self.axes = axes
  }

  /// The model tensor's elements, row-major, from the stored ones.
  package func apply(_ elements: [Int], shape: [Int]) -> [Int] {
    var (rows, inner, elements) = (1, elements.count, elements)
    for (alignment, extent) in zip(axes, shape) {
      inner /= extent
      var aligned: [Int] = []
      for row in 0..<rows {
        for source in alignment.sources {
          guard let source else {
            aligned += [Int](repeating: 0, count: inner)
            continue
          }
          let first = (row * extent + source) * inner
          aligned += elements[first..<first + inner]
        }
      }
      elements = aligned
      rows *= alignment.sources.count
    }
    return elements
  }
}
