import Foundation
import TestSupport
import Testing

/// Doors go one way: a target imports only targets that stand above it in Package.swift.
@Suite struct ImportTests {
  @Test func importsPointUpwards() throws {
    let order = try Self.order()
    #expect(order.count > 10, "Package.swift was not understood")
    let place = Dictionary(uniqueKeysWithValues: order.enumerated().map { ($0.element, $0.offset) })
    var broken: [String] = []
    for file in SourceFile.all where !file.isTest {
      guard let own = place[file.target] else {
        broken.append("\(file.path) belongs to no target of Package.swift")
        continue
      }
      for line in file.codeLines(with: "import ") {
        guard let match = line.firstMatch(of: /^\s*(?:@\w+\s+)*(?:\w+ )?import (?:\w+ )?(\w+)/),
          let other = place[String(match.1)], other >= own
        else { continue }
        broken.append("\(file.path) imports \(match.1), which stands below \(file.target)")
      }
    }
    #expect(broken == [])
  }

  /// Targets of the package in the order of Package.swift.
  private static func order() throws -> [String] {
    let manifest = try String(
      contentsOf: Fixtures.packageRoot.appendingPathComponent("Package.swift"), encoding: .utf8)
    let targets = manifest.components(separatedBy: "targets: [").last ?? ""
    let names = targets.matches(
      of: /(?:room\(|\.target\(|\.executableTarget\(|\.systemLibrary\()\s*(?:name: )?"(\w[\w-]*)"/)
    return names.map { String($0.1) }
  }
}
