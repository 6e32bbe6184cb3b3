import { request } from 'node:https'

export interface WebhookAnswer {
  status: number
  body: { code?: string; message?: string; response?: { uid: string; allowed: boolean; patch?: string } }
}

/** Sends a body to the webhook as an API server would, through a forwarded port. */
export function postReview(port: number, body: string): Promise<WebhookAnswer> {
  // The certificate is not what is tested here: the name it is for is not the forwarded address.
  const options = { host: '127.0.0.1', port, path: '/mutate', method: 'POST', rejectUnauthorized: false }
  const headers = { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) }
  return new Promise((resolve, reject) => {
    const sent = request({ ...options, headers }, answer => {
      let text = ''
      answer.setEncoding('utf8')
      answer.on('data', chunk => {
        text += chunk
      })
      answer.on('end', () => {
        try {
          resolve({ status: answer.statusCode ?? 0, body: JSON.parse(text) as WebhookAnswer['body'] })
        } catch (error) {
          reject(new Error(`${answer.statusCode} with no JSON: ${text}`, { cause: error }))
        }
      })
    })
    sent.on('error', reject)
    sent.end(body)
  })
}
