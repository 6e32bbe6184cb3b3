import type { State } from '../../../core/state-api.ts'
import type { View } from '../live/store.ts'
import type { Route } from '../model/route.ts'

/** What each screen is given. */
export interface ScreenProps {
  view: View
  state: State
  route: Route
}
