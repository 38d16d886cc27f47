package import Tensors

/// The weights of a model in one safetensors file or in several parts with an index.
package final class SafetensorsCheckpoint: WeightSource {
  /// One mapped file.
  final class Part {
    let path: String
    let file: MappedFile
    let index: SafetensorsIndex

    init(path: String) throws(CheckpointError) {
      let file = try MappedFile(path: path)
      self.index = try Self.index(of: file, path)
      self.path = path
      self.file = file
    }

    private static func index(
      of file: borrowing MappedFile, _ path: String
    ) throws(CheckpointError) -> SafetensorsIndex {
      try SafetensorsIndex(file.bytes, file: path)
    }
  }

  package let title: String
  let parts: [Part]
  /// Part of each tensor.
  let partOfName: [String: Int]

  init(title: String, parts: [Part], partOfName: [String: Int]) {
    self.title = title
    self.parts = parts
    self.partOfName = partOfName
  }

  /// Names of all tensors, in no particular order.
  package var names: some Sequence<String> { partOfName.keys }

  /// Bytes of all tensors.
  package var byteCount: Int {
    parts.reduce(0) { sum, part in part.index.entries.reduce(sum) { $0 + $1.bytes.count } }
  }

  package func contains(_ name: String) -> Bool { partOfName[name] != nil }

  package func resolve(_ tensor: CheckpointTensor) throws(CheckpointError) -> ResolvedTensor {
    for location in tensor.locations {
      guard let part = partOfName[location.name] else { continue }
      guard let entry = parts[part].index[location.name] else {
        throw CheckpointError(
          "\(parts[part].path) does not have the tensor \(quoted(location.name)), although the index says so")
      }
      let name = "\(parts[part].path): the tensor \(quoted(entry.name))"
      guard let dtype = entry.dtype, dtype.holdsWeights else {
        throw CheckpointError("\(name) has the dtype \(entry.dtypeName); weights must be BF16, F16 or F32")
      }
      guard entry.shape == location.shape else {
        throw CheckpointError(
          "\(name) has the shape \(entry.shape), but the configuration needs \(location.shape)")
      }
      let rowBytes = tensor.columns * dtype.byteCount
      return ResolvedTensor(
        tensor: tensor, name: entry.name, dtype: dtype,
        origin: .file(part: part, byteOffset: entry.bytes.lowerBound + location.firstRow * rowBytes))
    }
    let others = tensor.locations.dropFirst().map { quoted($0.name) }.joined(separator: " nor ")
    let alternatives = others.isEmpty ? "" : " (and not \(others) either)"
    throw CheckpointError(
      "\(title) has no tensor \(quoted(tensor.name))\(alternatives), which the model needs")
  }

  @unsafe
  package func locate(
    _ tensor: ResolvedTensor, rows: Range<Int>, columns: Range<Int>, scratch: UnsafeMutableRawBufferPointer
  ) -> (base: UnsafeRawPointer, rowStride: Int) {
    let (part, start) = place(tensor)
    let first = start + rows.lowerBound * tensor.rowBytes + columns.lowerBound * tensor.dtype.byteCount
    return unsafe (parts[part].file.base + first, tensor.rowBytes)
  }

  package func prefetch(_ tensor: ResolvedTensor, rows: Range<Int>) {
    let (part, start) = place(tensor)
    parts[part].file.prefetch(byteRange(tensor, rows, start))
  }

  package func release(_ tensor: ResolvedTensor, rows: Range<Int>) {
    let (part, start) = place(tensor)
    parts[part].file.release(byteRange(tensor, rows, start))
  }

  private func byteRange(_ tensor: ResolvedTensor, _ rows: Range<Int>, _ start: Int) -> Range<Int> {
    start + rows.lowerBound * tensor.rowBytes..<start + rows.upperBound * tensor.rowBytes
  }

  private func place(_ tensor: ResolvedTensor) -> (part: Int, byteOffset: Int) {
    guard case .file(let part, let byteOffset) = tensor.origin else {
      preconditionFailure("\(tensor.name) was resolved by another source")
    }
    return (part, byteOffset)
  }
}
