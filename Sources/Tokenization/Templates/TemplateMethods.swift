/// Which methods values have, and which of them the sandbox refuses because they would change the value.
enum TemplateMethods {
  private static let textMethods: Set<String> = [
    "capitalize", "casefold", "center", "count", "endswith", "expandtabs", "find", "format", "format_map",
    "index",
    "isalnum", "isalpha", "isascii", "isdecimal", "isdigit", "isidentifier", "islower", "isnumeric",
    "isprintable",
    "isspace", "istitle", "isupper", "join", "ljust", "lower", "lstrip", "partition", "removeprefix",
    "removesuffix",
    "replace", "rfind", "rindex", "rjust", "rpartition", "rsplit", "rstrip", "split", "splitlines",
    "startswith",
    "strip", "swapcase", "title", "upper", "zfill",
  ]
  private static let listMethods: Set<String> = ["index", "count", "copy"]
  private static let unsafeListMethods: Set<String> = [
    "append", "clear", "pop", "reverse", "insert", "sort", "extend", "remove",
  ]
  private static let dictMethods: Set<String> = ["get", "items", "keys", "values", "copy", "fromkeys"]
  private static let unsafeDictMethods: Set<String> = ["clear", "pop", "popitem", "setdefault", "update"]

  static func has(_ name: String, _ value: TemplateValue) -> Bool {
    switch value {
    case .text: textMethods.contains(name)
    case .list: listMethods.contains(name) || unsafeListMethods.contains(name)
    case .tuple, .range: name == "index" || name == "count"
    case .dict: dictMethods.contains(name) || unsafeDictMethods.contains(name)
    case .loop: name == "cycle" || name == "changed"
    case .cycler: name == "next" || name == "reset"
    case .function(.dict): name == "fromkeys"
    case .float: name == "is_integer" || name == "conjugate"
    case .int, .bool: name == "bit_length" || name == "conjugate"
    default: false
    }
  }

  static func isUnsafe(_ name: String, _ value: TemplateValue) -> Bool {
    switch value {
    case .list: unsafeListMethods.contains(name)
    case .dict: unsafeDictMethods.contains(name)
    default: false
    }
  }
}

extension TemplateRenderer {
  func callMethod(_ name: String, of receiver: TemplateValue, _ arguments: CallArguments)
    throws(TemplateError)
    -> TemplateValue
  {
    switch receiver {
    case .text(let text):
      try step(text.utf8.count >> 6)
      var result = try callTextMethod(name, of: text, arguments)
      if text.isMarkup, case .text(var marked) = result {
        marked.isMarkup = true
        result = .text(marked)
      }
      return result
    case .dict(let mapping): return try callDictMethod(name, of: mapping, arguments)
    case .list, .tuple, .range: return try callSequenceMethod(name, of: receiver, arguments)
    case .loop(let loop): return try callLoopMethod(name, of: loop, arguments)
    case .cycler(let cycler):
      _ = try arguments.bind(name, [])
      let item = cycler.items[cycler.position]
      cycler.position = name == "next" ? (cycler.position + 1) % cycler.items.count : 0
      return name == "next" ? item : .null
    case .float(let number) where name == "is_integer":
      return .bool(number.isFinite && number == number.rounded())
    case .int, .bool:
      let number = receiver.integer ?? 0
      return .int(name == "bit_length" ? Int.bitWidth - number.magnitude.leadingZeroBitCount : number)
    case .function(.dict):
      let values = try arguments.bind(name, ["iterable", "value"], required: 1)
      return try mapping(from: values[0] ?? .null, values[1] ?? .null)
    default: return receiver
    }
  }

  private func mapping(from keys: TemplateValue, _ value: TemplateValue) throws(TemplateError)
    -> TemplateValue
  {
    var builder = TemplateMappingBuilder()
    for key in try items(of: keys) { try builder.set(key, value) }
    return try dict(builder)
  }

  private func callDictMethod(_ name: String, of mapping: TemplateMapping, _ arguments: CallArguments)
    throws(TemplateError) -> TemplateValue
  {
    switch name {
    case "get":
      let values = try arguments.positionalOnly("get", ["key", "default"], required: 1)
      return mapping[try MappingKey(values[0] ?? .null)] ?? values[1] ?? .null
    case "fromkeys":
      let values = try arguments.positionalOnly(name, ["iterable", "value"], required: 1)
      return try self.mapping(from: values[0] ?? .null, values[1] ?? .null)
    default:
      _ = try arguments.bind(name, [])
      if let part = TemplateMappingView.Part(rawValue: name) {
        return .view(TemplateMappingView(mapping: mapping, part: part))
      }
      return try dict(try TemplateMappingBuilder(mapping))
    }
  }

  private func callSequenceMethod(_ name: String, of receiver: TemplateValue, _ arguments: CallArguments)
    throws(TemplateError) -> TemplateValue
  {
    let items = try self.items(of: receiver)
    switch name {
    case "count":
      let wanted = try arguments.positionalOnly(name, ["value"], required: 1)[0] ?? .null
      var count = 0
      for item in items where try equal(item, wanted) { count += 1 }
      return .int(count)
    case "index":
      let values = try arguments.positionalOnly(name, ["value", "start", "stop"], required: 1)
      let range = try searchRange(values[1], values[2], count: items.count)
      for index in range where try equal(items[index], values[0] ?? .null) { return .int(index) }
      throw TemplateError(
        .value, "\(try ValuePrinter.repr(values[0] ?? .null, self).string) is not in list")
    default: return try list(items)
    }
  }

  /// The part of a sequence that optional bounds leave, counted from the end when negative.
  func searchRange(_ start: TemplateValue?, _ stop: TemplateValue?, count: Int) throws(TemplateError)
    -> Range<Int>
  {
    func bound(_ value: TemplateValue?, _ fallback: Int) throws(TemplateError) -> Int {
      switch value {
      case .none, .some(.null): return fallback
      case .some(let value):
        guard let index = value.integer else {
          throw TemplateError(.value, "slice indices must be integers or None or have an __index__ method")
        }
        return min(max(index < 0 ? index + count : index, 0), count)
      }
    }
    let first = try bound(start, 0)
    return first..<max(first, try bound(stop, count))
  }

  private func callLoopMethod(_ name: String, of loop: TemplateLoop, _ arguments: CallArguments)
    throws(TemplateError) -> TemplateValue
  {
    guard arguments.keywords.isEmpty else {
      throw TemplateError(.value, "loop.\(name)() takes no keyword arguments")
    }
    if name == "cycle" {
      guard !arguments.positional.isEmpty else { throw TemplateError(.value, "no items for cycling given") }
      return arguments.positional[max(loop.index0, 0) % arguments.positional.count]
    }
    if let last = loop.lastChanged, last.count == arguments.positional.count {
      var isEqual = true
      for (old, new) in zip(last, arguments.positional) where try !equal(old, new) { isEqual = false }
      if isEqual { return .bool(false) }
    }
    loop.lastChanged = arguments.positional
    return .bool(true)
  }
}

extension CallArguments {
  /// As `bind`, for functions of C that take no keywords.
  func positionalOnly(_ function: String, _ parameters: [String], required: Int = 0) throws(TemplateError)
    -> [TemplateValue?]
  {
    guard keywords.isEmpty else { throw TemplateError(.value, "\(function)() takes no keyword arguments") }
    return try bind(function, parameters, required: required)
  }
}
