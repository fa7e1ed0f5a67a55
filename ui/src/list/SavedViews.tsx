import { IconBookmark, IconCheck, IconDeviceFloppy, IconPencil } from '@tabler/icons-react'
import { useState } from 'react'
import { useQuery } from 'urql'

import { Refused } from '~/graphql/Refused'
import { useSession } from '~/graphql/session'
import { ActionIcon, Box, Button, Divider, Loader, Popover, Stack, Text } from '~/ui'

import classes from './Listing.module.css'
import { ManageViews } from './ManageViews'
import { SaveView } from './SaveView'
import { SavedQuery, addressOf, personOf, sorted, viewOf, type Kept } from './saved'
import type { useView } from './view'

interface SavedViewsProps {
  /** Which list it is, in the API's words. */
  type: string
  looking: ReturnType<typeof useView>
}

/** Views of the list that somebody has kept: one's own, and those for everybody. */
export function SavedViews({ type, looking }: SavedViewsProps) {
  const [opened, setOpened] = useState(false)
  const [asks, setAsks] = useState<'save' | 'manage'>()
  const me = useSession().viewer.login
  const [{ data, error }, ask] = useQuery({
    query: SavedQuery,
    variables: { type },
    pause: !opened && asks === undefined,
  })
  const found = sorted(data?.savedFilters ?? [], me)
  const again = () => ask({ requestPolicy: 'network-only' })
  const none = found.mine.length + found.others.length === 0
  const begin = (next: 'save' | 'manage') => {
    setOpened(false)
    setAsks(next)
  }
  const pick = (address: string) => {
    setOpened(false)
    // What it does not say is not as it is now, but as in a fresh list.
    looking.change({ size: undefined, ...viewOf(address) })
  }
  return (
    <>
      <Popover opened={opened} onChange={setOpened} position="bottom-start" trapFocus returnFocus shadow="md">
        <Popover.Target>
          <ActionIcon
            variant="default"
            size={30}
            aria-label="Views"
            title="Views"
            onClick={() => setOpened(!opened)}
          >
            <IconBookmark size={16} stroke={1.6} />
          </ActionIcon>
        </Popover.Target>
        <Popover.Dropdown p="xs" w={290} aria-label="Saved views">
          {opened && (
            <Stack gap="xs">
              {error && <Refused title="The saved views could not be loaded" error={error} />}
              {!data && !error && <Loader size="xs" role="status" aria-label="The saved views are coming" />}
              {data && none && (
                <Text size="sm" c="dimmed">
                  No saved view yet. Filter, search and order the list as you need it, and keep that here.
                </Text>
              )}
              {!none && (
                <div className={classes.values ?? ''}>
                  <Section title="Yours" kept={found.mine} here={addressOf(looking.view)} onPick={pick} />
                  <Section
                    title="For everybody"
                    kept={found.others}
                    here={addressOf(looking.view)}
                    onPick={pick}
                    named
                  />
                </div>
              )}
              {data && <Divider />}
              <Entry icon={<IconDeviceFloppy size={14} aria-hidden />} onClick={() => begin('save')}>
                Save this view
              </Entry>
              {!none && (
                <Entry icon={<IconPencil size={14} aria-hidden />} onClick={() => begin('manage')}>
                  Change saved views
                </Entry>
              )}
            </Stack>
          )}
        </Popover.Dropdown>
      </Popover>
      {asks === 'save' && (
        <SaveView
          type={type}
          view={looking.view}
          mine={found.mine}
          onClose={() => setAsks(undefined)}
          onDone={again}
        />
      )}
      {asks === 'manage' && <ManageViews found={found} onClose={() => setAsks(undefined)} onDone={again} />}
    </>
  )
}

interface SectionProps {
  title: string
  kept: readonly Kept[]
  here: string
  onPick: (address: string) => void
  /** Whether it is told who made each. */
  named?: true
}

function Section({ title, kept, here, onPick, named }: SectionProps) {
  if (kept.length === 0) return null
  return (
    <div role="group" aria-label={title}>
      <Text size="xs" c="dimmed" p={4}>
        {title}
      </Text>
      {kept.map(({ saved, address }) =>
        address === undefined ? (
          <Text key={saved.id} size="sm" c="dimmed" p={4}>
            {saved.name}: kept by another program, in words of its own
          </Text>
        ) : (
          <Entry
            key={saved.id}
            icon={address === here ? <IconCheck size={14} aria-label="Shown now" /> : <Box w={14} />}
            onClick={() => onPick(address)}
          >
            <span className={classes.cut ?? ''} title={saved.name}>
              {saved.name}
            </span>
            {named && (
              <Text component="span" size="xs" c="dimmed" ml={6}>
                by {personOf(saved.createdBy)}
              </Text>
            )}
          </Entry>
        ),
      )}
    </div>
  )
}

function Entry(props: { icon: React.ReactNode; onClick: () => void; children: React.ReactNode }) {
  return (
    <Button
      className={classes.entry ?? ''}
      variant="subtle"
      color="gray"
      c="inherit"
      size="compact-sm"
      fw={400}
      fullWidth
      justify="flex-start"
      leftSection={props.icon}
      onClick={props.onClick}
    >
      {props.children}
    </Button>
  )
}
