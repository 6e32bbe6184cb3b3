export const SHELLS = ['bash', 'zsh', 'kubectl'] as const
export type Shell = (typeof SHELLS)[number]

const BASH = `# bash completion for kubectl-startgate: source <(kubectl-startgate completion bash)
_kubectl_startgate() {
  local -a lines
  mapfile -t lines < <(kubectl-startgate __complete "\${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null)
  local last=$(( \${#lines[@]} - 1 ))
  (( last >= 0 )) || return
  local directive="\${lines[$last]}"
  unset "lines[$last]"
  COMPREPLY=("\${lines[@]}")
  if [[ $directive == :0 ]]; then compopt -o default; fi
}
complete -F _kubectl_startgate kubectl-startgate
`

const ZSH = `#compdef kubectl-startgate
# zsh completion for kubectl-startgate: source <(kubectl-startgate completion zsh)
_kubectl_startgate() {
  local -a lines
  lines=("\${(@f)$(kubectl-startgate __complete "\${(@)words[2,CURRENT]}" 2>/dev/null)}")
  local directive=\${lines[-1]}
  lines=("\${(@)lines[1,-2]}")
  (( \${#lines} )) && compadd -a lines
  if [[ $directive == :0 ]]; then _files; fi
}
if [[ $zsh_eval_context[-1] == loadautofunc ]]; then _kubectl_startgate "$@"; else compdef _kubectl_startgate kubectl-startgate; fi
`

const KUBECTL = `#!/bin/sh
# Completes "kubectl startgate": put this on PATH as kubectl_complete-startgate (the npm package does).
exec kubectl-startgate __complete "$@"
`

const SCRIPTS: Record<Shell, string> = { bash: BASH, zsh: ZSH, kubectl: KUBECTL }

/** What a shell is to be given. */
export function completionScript(shell: Shell): string {
  return SCRIPTS[shell]
}
