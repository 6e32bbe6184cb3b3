import type { State } from '../../../core/state-api.ts'
import type { Route } from '../model/route.ts'
import type { View } from '../store.ts'

/** What each screen is given. */
export interface ScreenProps {
  view: View
  state: State
  route: Route
}
