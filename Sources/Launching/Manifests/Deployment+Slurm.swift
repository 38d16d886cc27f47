extension Deployment {
  /// Files of `deploy/slurm`, by name.
  package var slurm: [(name: String, text: String)] { [("decode.sbatch", batchScript)] }

  private var batchScript: String {
    let flags = mesh.map { "--" + $0.replacing("_", with: "-").replacing(":", with: "") }.joined(
      separator: " ")
    let directory = model.isEmpty ? #"${MODEL:+--model "$MODEL"}"# : #"--model "${MODEL:-\#(model)}""#
    let absent = model.isEmpty ? "the bundled model" : model
    return #"""
      #!/bin/bash
      #SBATCH --job-name=\#(name)
      #SBATCH --nodes=\#(worldSize)
      #SBATCH --ntasks-per-node=1
      #SBATCH --output=\#(name)-%j.out
      #SBATCH --error=\#(name)-%j.err
      # Variables: MESHDECODE (the executable, the same path on every node), MODEL (a directory on every node; left out,
      # \#(absent)), PROMPT. Arguments go to `meshdecode generate`.
      set -euo pipefail
      meshdecode=${MESHDECODE:-meshdecode}
      exec "$meshdecode" generate --launcher slurm \#(flags) \
        \#(directory) --prompt "${PROMPT:-It is a truth universally acknowledged, that}" "$@"

      """#
  }
}
