/// A dictionary that keeps the order of its keys; never changed once made.
final class TemplateMapping {
  let keys: [TemplateValue]
  let values: [TemplateValue]
  let depth: Int
  private let index: [MappingKey: Int]

  /// Fewer keys than this are found by looking at each.
  private static let scanLimit = 8

  init(_ builder: TemplateMappingBuilder) {
    keys = builder.keys
    values = builder.values
    index = builder.keys.count > Self.scanLimit ? builder.index : [:]
    var deepest = 0
    for value in builder.values { deepest = max(deepest, value.depth) }
    depth = deepest + 1
  }

  var count: Int { keys.count }

  subscript(_ name: TemplateText) -> TemplateValue? {
    if index.isEmpty {
      for (position, key) in keys.enumerated() {
        if case .text(let text) = key, text == name { return values[position] }
      }
      return nil
    }
    return index[.text(name.utf8)].map { values[$0] }
  }

  subscript(_ key: MappingKey) -> TemplateValue? {
    if case .text(let bytes) = key { return self[TemplateText(utf8: bytes)] }
    if index.isEmpty {
      for (position, candidate) in keys.enumerated() where (try? MappingKey(candidate)) == key {
        return values[position]
      }
      return nil
    }
    return index[key].map { values[$0] }
  }

  subscript(string name: String) -> TemplateValue? { self[TemplateText(name)] }

  /// Its pairs as tuples.
  var pairs: [TemplateValue] {
    zip(keys, values).map { .tuple(TemplateSequence([$0, $1])) }
  }
}

/// Collects members; a key that comes again keeps its place and takes the new value.
struct TemplateMappingBuilder {
  private(set) var keys: [TemplateValue] = []
  private(set) var values: [TemplateValue] = []
  private(set) var index: [MappingKey: Int] = [:]

  init() {}

  init(_ mapping: TemplateMapping) throws(TemplateError) {
    for (key, value) in zip(mapping.keys, mapping.values) { try set(key, value) }
  }

  mutating func set(_ name: TemplateText, _ value: TemplateValue) {
    set(.text(name.utf8), .text(name), value)
  }

  /// Throws when the key cannot be hashed.
  mutating func set(_ key: TemplateValue, _ value: TemplateValue) throws(TemplateError) {
    set(try MappingKey(key), key, value)
  }

  private mutating func set(_ hashed: MappingKey, _ key: TemplateValue, _ value: TemplateValue) {
    if let position = index[hashed] {
      values[position] = value
    } else {
      index[hashed] = keys.count
      keys.append(key)
      values.append(value)
    }
  }
}

/// `keys()`, `values()` or `items()` of a dictionary.
struct TemplateMappingView {
  enum Part: String {
    case keys, values, items

    var typeName: String { "dict_\(rawValue)" }
  }

  let mapping: TemplateMapping
  let part: Part

  var items: [TemplateValue] {
    switch part {
    case .keys: mapping.keys
    case .values: mapping.values
    case .items: mapping.pairs
    }
  }
}

/// A value as the key of a dictionary: equal numbers are one key whatever their type.
enum MappingKey: Hashable {
  case none
  case undefined
  case int(Int)
  case float(UInt64)
  case text([UInt8])
  case tuple([MappingKey])
  case object(ObjectIdentifier)

  init(_ value: TemplateValue) throws(TemplateError) {
    var budget = 1 << 16
    try self.init(value, &budget)
  }

  private init(_ value: TemplateValue, _ budget: inout Int) throws(TemplateError) {
    budget -= 1
    guard budget > 0 else {
      throw TemplateError(.limit, "a tuple is too large to be the key of a dictionary")
    }
    switch value {
    case .null: self = .none
    case .undefined: self = .undefined
    case .bool(let value): self = .int(value ? 1 : 0)
    case .int(let value): self = .int(value)
    case .float(let value):
      if let integer = Int(exactly: value) { self = .int(integer) } else { self = .float(value.bitPattern) }
    case .text(let text): self = .text(text.utf8)
    case .tuple(let sequence):
      var parts: [MappingKey] = []
      for item in sequence.items { parts.append(try MappingKey(item, &budget)) }
      self = .tuple(parts)
    case .range(let range): self = .tuple([.none, .int(range.start), .int(range.count), .int(range.step)])
    case .iterator(let iterator): self = .object(ObjectIdentifier(iterator))
    case .namespace(let namespace): self = .object(ObjectIdentifier(namespace))
    case .macro(let macro): self = .object(ObjectIdentifier(macro))
    case .loop(let loop): self = .object(ObjectIdentifier(loop))
    case .cycler(let cycler): self = .object(ObjectIdentifier(cycler))
    case .joiner(let joiner): self = .object(ObjectIdentifier(joiner))
    case .function(let function): self = .text(Array(("\u{0}" + function.rawValue).utf8))
    case .method(let method): self = .object(ObjectIdentifier(method))
    case .list, .dict, .view:
      throw TemplateError(.value, "unhashable type: '\(value.typeName)'")
    }
  }
}
