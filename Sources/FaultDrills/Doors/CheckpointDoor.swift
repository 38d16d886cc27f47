internal import Foundation

/// A copy of the checkpoint that workers load from and that a drill may break.
///
/// Files are replaced by others, never written to: whoever has one open or mapped keeps what it has.
final class CheckpointDoor {
  private let directory: URL
  private var weights: URL?
  private var isBroken = false

  /// Copies `model`; the copy goes with this object.
  init(model: String) throws {
    directory = FileManager.default.temporaryDirectory.appendingPathComponent(
      "meshdecode-drill-\(UUID().uuidString)")
    try FileManager.default.copyItem(at: URL(fileURLWithPath: model).resolvingSymlinksInPath(), to: directory)
    let files = try FileManager.default.contentsOfDirectory(at: directory, includingPropertiesForKeys: nil)
    weights = files.filter { $0.pathExtension == "safetensors" }.min { $0.path < $1.path }
  }

  deinit { try? FileManager.default.removeItem(at: directory) }

  var path: String { directory.path }

  private var kept: URL { directory.appendingPathComponent("kept-aside") }

  /// The weights lose their second half.
  func truncate() throws {
    guard let weights, !isBroken else { return }
    let bytes = try Data(contentsOf: weights, options: .alwaysMapped)
    let half = directory.appendingPathComponent("half")
    try bytes.prefix(bytes.count / 2).write(to: half)
    try remove()
    try FileManager.default.moveItem(at: half, to: weights)
  }

  /// The weights are gone.
  func remove() throws {
    guard let weights, !isBroken else { return }
    try FileManager.default.moveItem(at: weights, to: kept)
    isBroken = true
  }

  /// Puts the good file back.
  func restore() throws {
    guard let weights, isBroken else { return }
    if FileManager.default.fileExists(atPath: weights.path) {
      try FileManager.default.removeItem(at: weights)
    }
    try FileManager.default.moveItem(at: kept, to: weights)
    isBroken = false
  }
}
