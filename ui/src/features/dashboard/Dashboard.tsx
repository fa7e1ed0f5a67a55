import { Title } from '~/ui'

export default function Dashboard() {
  return <Title order={1}>Overview</Title>
}
