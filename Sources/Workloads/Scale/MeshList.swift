package import Topology

/// Meshes as one argument names them: `tp1; tp2; tp2,ep2; attn_dp=2`.
package enum MeshList {
  /// - Throws: `MeshError`, one sentence that names the entry, what is possible, and an example.
  package static func parse(_ text: String) throws(MeshError) -> [MeshShape] {
    var shapes: [MeshShape] = []
    for entry in text.split(separator: ";") {
      let words = entry.split { $0 == "," || $0 == " " }
      if words.isEmpty { continue }
      var degrees: [MeshAxis: Int] = [:]
      for word in words {
        let number = word.reversed().prefix { $0.isASCII && $0.isNumber }.count
        let name = word.dropLast(number).replacing("=", with: "")
        guard let axis = MeshAxis.allCases.first(where: { $0.degreeName == name }),
          let degree = Int(word.suffix(number)), degree >= 1
        else {
          throw MeshError(sentences: [
            "--meshes cannot take '\(word)'; give tp, ep, attn_dp, attn_dp_expert or dp with a number, meshes "
              + "separated by ';' and axes by ',', for example \"tp1; tp2; tp2,ep2\"."
          ])
        }
        guard degrees.updateValue(degree, forKey: axis) == nil else {
          throw MeshError(sentences: [
            "--meshes gives \(name) twice in '\(entry.trimmed)'; give each axis once."
          ])
        }
      }
      shapes.append(
        try MeshShape(
          dp: degrees[.data] ?? 1, attnDP: degrees[.attnDP] ?? 1, attnDPExpert: degrees[.attnDPExpert] ?? 1,
          ep: degrees[.expert] ?? 1, tp: degrees[.model] ?? 1))
    }
    guard !shapes.isEmpty else {
      throw MeshError(sentences: ["--meshes names no mesh; give for example \"tp1; tp2; tp4\"."])
    }
    return shapes
  }
}

extension Substring {
  fileprivate var trimmed: String {
    String(drop { $0 == " " }.reversed().drop { $0 == " " }.reversed())
  }
}
