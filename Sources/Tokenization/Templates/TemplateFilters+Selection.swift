extension TemplateFilters {
  static let selections: [String: Filter] = [
    "map": { (renderer, value, arguments) throws(TemplateError) in
      guard !arguments.positional.isEmpty || arguments.keywords.contains(where: { $0.name == "attribute" })
      else {
        return try deferred(renderer, value, TemplateError(.value, "map requires a filter argument"))
      }
      if arguments.positional.isEmpty {
        let values = try arguments.bind("map", ["attribute", "default"])
        let path = try AttributePath(values[0], fallback: values[1])
        return try mapped(renderer, value) { (item) throws(TemplateError) in
          try path.value(of: item, renderer)
        }
      }
      var inner = arguments
      guard case .text(let name) = inner.positional.removeFirst() else {
        throw TemplateError(.value, "map requires the name of a filter")
      }
      return try mapped(renderer, value) { [inner] (item) throws(TemplateError) in
        try renderer.filter(name.string, item, inner)
      }
    },
    "select": { (renderer, value, arguments) throws(TemplateError) in
      try selected(renderer, value, arguments, keeping: true, byAttribute: false)
    },
    "reject": { (renderer, value, arguments) throws(TemplateError) in
      try selected(renderer, value, arguments, keeping: false, byAttribute: false)
    },
    "selectattr": { (renderer, value, arguments) throws(TemplateError) in
      try selected(renderer, value, arguments, keeping: true, byAttribute: true)
    },
    "rejectattr": { (renderer, value, arguments) throws(TemplateError) in
      try selected(renderer, value, arguments, keeping: false, byAttribute: true)
    },
  ]

  /// An iterator that fails when asked, unless there is nothing to iterate.
  private static func deferred(_ renderer: TemplateRenderer, _ value: TemplateValue, _ error: TemplateError)
    throws(TemplateError) -> TemplateValue
  {
    value.isTrue
      ? .iterator(TemplateIterator { () throws(TemplateError) in throw error })
      : .iterator(TemplateIterator([]))
  }

  private static func mapped(
    _ renderer: TemplateRenderer, _ value: TemplateValue,
    _ body: @escaping (TemplateValue) throws(TemplateError) -> TemplateValue
  ) throws(TemplateError) -> TemplateValue {
    guard value.isTrue else { return .iterator(TemplateIterator([])) }
    return try renderer.lazily(over: value) { (items) throws(TemplateError) in
      var result: [TemplateValue] = []
      for item in items {
        try renderer.step()
        result.append(try body(item))
      }
      return result
    }
  }

  private static func selected(
    _ renderer: TemplateRenderer, _ value: TemplateValue, _ arguments: CallArguments, keeping: Bool,
    byAttribute: Bool
  ) throws(TemplateError) -> TemplateValue {
    guard value.isTrue else { return .iterator(TemplateIterator([])) }
    var inner = arguments
    var path = try AttributePath(nil)
    if byAttribute {
      guard !inner.positional.isEmpty else {
        return try deferred(renderer, value, TemplateError(.value, "Missing parameter for attribute name"))
      }
      path = try AttributePath(inner.positional.removeFirst())
    }
    var name: String?
    if !inner.positional.isEmpty {
      guard case .text(let text) = inner.positional.removeFirst() else {
        throw TemplateError(.value, "the name of a test must be a string")
      }
      name = text.string
    }
    return try renderer.lazily(over: value) { [inner, path, name] (items) throws(TemplateError) in
      var result: [TemplateValue] = []
      for item in items {
        try renderer.step()
        let candidate = try path.value(of: item, renderer)
        let passes = if let name { try renderer.test(name, candidate, inner) } else { candidate.isTrue }
        if passes == keeping { result.append(item) }
      }
      return result
    }
  }
}
