import { request } from 'node:https'

export interface Answer {
  status: number
  /** The first line of the answer, as JSON. */
  body: { kind?: string; code?: string; message?: string }
}

interface GateCall {
  port: number
  token?: string
  podUid: string
  gate?: string
  /** Fields of the body that no gate sends. */
  more?: object
}

/** Asks the lease service as a gate would, with a token of one's choice; resolves at the first line of the answer. */
export function askAsGate({ port, token, podUid, gate = 'startgate-start', more }: GateCall): Promise<Answer> {
  const body = JSON.stringify({ ...more, podUid, attempt: 1, nonce: 'e2e-nonce-1' })
  const headers = {
    'content-type': 'application/json',
    'content-length': Buffer.byteLength(body),
    ...(token ? { authorization: `Bearer ${token}` } : {}),
  }
  // The certificate is not what is tested here: the name it is for is not the forwarded address.
  const options = {
    host: '127.0.0.1',
    port,
    path: `/v1/gates/${gate}`,
    method: 'POST',
    headers,
    rejectUnauthorized: false,
  }
  return new Promise((resolve, reject) => {
    const sent = request(options, answer => {
      let text = ''
      answer.setEncoding('utf8')
      const settle = () => {
        const [line = ''] = text.split('\n')
        try {
          resolve({ status: answer.statusCode ?? 0, body: JSON.parse(line) as Answer['body'] })
        } catch (error) {
          reject(new Error(`${answer.statusCode} with no JSON: ${text}`, { cause: error }))
        }
        sent.destroy()
      }
      answer.on('data', chunk => {
        text += chunk
        if (text.includes('\n')) settle()
      })
      answer.on('end', settle)
      answer.on('error', () => undefined)
    })
    sent.on('error', reject)
    sent.end(body)
  })
}
